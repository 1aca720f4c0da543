# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,ledger,base codec crypto near,))
