# SPDX-License-Identifier: Apache-2.0
UNITS += sandbox
sandbox.needs := base
sandbox.libs := -lseccomp
PROGRAMS += bin/outlayer-sandbox
bin/outlayer-sandbox.sources := src/sandbox/main.c
bin/outlayer-sandbox.units := sandbox
$(O)/test/sandbox_test: | $(O)/bin/outlayer-sandbox
# A keeper for tests of slots.
PROGRAMS += help/slot-prober
help/slot-prober.sources := src/sandbox/main_prober.c
help/slot-prober.units := sandbox
$(O)/test/slot_test: | $(O)/bin/outlayer-sandbox $(O)/help/slot-prober
