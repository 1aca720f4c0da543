# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,sandbox,base,-lseccomp))
$(eval $(call program,bin,outlayer-sandbox,src/sandbox/main.c,sandbox,))
$(O)/test/sandbox_test: | $(O)/bin/outlayer-sandbox
# A keeper for tests of slots.
$(eval $(call program,help,slot-prober,src/sandbox/main_prober.c,sandbox,))
$(O)/test/slot_test: | $(O)/bin/outlayer-sandbox $(O)/help/slot-prober
