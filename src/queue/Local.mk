# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,queue,base codec crypto store,))
