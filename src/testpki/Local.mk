# SPDX-License-Identifier: Apache-2.0
# For tests and the simulator alone: whoever has a seed has every key of this PKI. No daemon links it (`make check`).
$(eval $(call unit,testpki,base dcap codec crypto,-lcrypto))
# The table of cases that every build of the verifier is run with.
$(eval $(call program,help,dcap-cases,src/testpki/main_cases.c,testpki,))
# What a collateral server of this PKI has at a moment, for fakes.
$(eval $(call program,help,dcap-collateral,src/testpki/main_collateral.c,testpki,))
tests: $(O)/help/dcap-collateral
# It takes seconds and megabytes, and is the same in each flavour.
ifeq ($(FLAVOUR),release)
build/dcap_cases.json: $(O)/help/dcap-cases
	@mkdir -p $(@D) && $< >$@.part && mv $@.part $@
tests: build/dcap_cases.json
endif
