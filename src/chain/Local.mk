# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,chain,base codec crypto near ledger nearvm,))
