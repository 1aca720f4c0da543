# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,http,base codec,-lmicrohttpd -lcurl))
