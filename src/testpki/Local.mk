# SPDX-License-Identifier: Apache-2.0
# For tests and the simulator alone: whoever has a seed has every key of this PKI. No daemon links it.
$(eval $(call unit,testpki,base codec crypto,-lcrypto))
