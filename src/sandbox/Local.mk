# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,sandbox,base,-lseccomp))
$(eval $(call program,bin,outlayer-sandbox,src/sandbox/main.c,sandbox,))
$(O)/test/sandbox_test: | $(O)/bin/outlayer-sandbox
