# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,keystore,base repo codec crypto http near protocol secrets sandbox,))
$(eval $(call program,bin,outlayer-keystore,src/keystore/main.c,keystore,))
