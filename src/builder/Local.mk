# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,builder,base codec crypto sandbox,))

# The guests' toolchain is built once per machine, outside the checkout (scripts/guest.sh).
GUEST_STAMP := build/guest/.whole
$(GUEST_STAMP): scripts/guest.sh
	@mkdir -p build && dir=$$(scripts/guest.sh) && ln -sfn "$$dir" build/guest && touch $@

$(O)/test/builder_test: | $(O)/bin/outlayer-sandbox $(GUEST_STAMP)
$(O)/test/branch_test: | $(O)/bin/outlayer-sandbox
