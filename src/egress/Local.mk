# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,egress,base sandbox,-lcrypto -lresolv))
$(eval $(call program,bin,outlayer-broker,src/egress/main.c,egress,))
$(O)/test/egress_test: | $(O)/bin/outlayer-broker
