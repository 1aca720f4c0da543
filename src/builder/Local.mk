# SPDX-License-Identifier: Apache-2.0
UNITS += builder
builder.needs := base repo codec crypto blobs sandbox egress

# The tree that guests are built in is made once per machine, outside the checkout (scripts/guest.sh), and looked over at
# each use.
.PHONY: guest-tree
guest-tree:
	@mkdir -p build && dir=$$(scripts/guest.sh) && { [ "$$(readlink build/guest)" = "$$dir" ] || ln -sfn "$$dir" build/guest; }

$(O)/test/builder_test $(O)/test/fetch_test: | $(O)/bin/outlayer-sandbox guest-tree
$(O)/test/branch_test $(O)/test/proxy_test: | $(O)/bin/outlayer-sandbox
$(O)/test/crate_cache_test: | $(O)/bin/outlayer-sandbox
