# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,protocol,base codec crypto http near,))
