# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,tee,base dcap codec crypto http near protocol collateral,-lcrypto))
