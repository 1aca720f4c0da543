# SPDX-License-Identifier: Apache-2.0
# For tests and the simulator alone: whoever has a seed has every key of this PKI. No daemon links it (`make check`).
UNITS += testpki
testpki.needs := base dcap codec crypto
testpki.libs := -lcrypto
# The table of cases that every build of the verifier is run with.
PROGRAMS += help/dcap-cases
help/dcap-cases.sources := src/testpki/main_cases.c
help/dcap-cases.units := testpki
# What a collateral server of this PKI has at a moment, for fakes.
PROGRAMS += help/dcap-collateral
help/dcap-collateral.sources := src/testpki/main_collateral.c
help/dcap-collateral.units := testpki
tests: $(O)/help/dcap-collateral
# It takes seconds and megabytes, and is the same in each flavour.
ifeq ($(FLAVOUR),release)
build/dcap_cases.json: $(O)/help/dcap-cases
	@mkdir -p $(@D) && $< >$@.part && mv $@.part $@
tests: build/dcap_cases.json
endif
