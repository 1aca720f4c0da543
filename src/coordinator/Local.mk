# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,coordinator,base repo codec crypto http near protocol secrets store blobs queue sandbox egress builder,))
$(eval $(call program,bin,outlayer-coordinator,src/coordinator/main.c,coordinator,))
$(O)/test/coordinator_test: | $(O)/bin/outlayer-broker
