# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,blobs,base codec crypto,))
