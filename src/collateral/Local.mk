# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,collateral,base codec crypto http dcap protocol,))
