# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,tee,base codec crypto http near,-lcrypto))
