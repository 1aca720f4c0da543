# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,near,base codec crypto http,-lsecp256k1))
