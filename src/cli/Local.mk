# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,cli,base codec crypto http near executor builder,))
