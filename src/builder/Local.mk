# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,builder,base codec crypto sandbox,))
