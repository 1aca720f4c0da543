# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,secrets,base codec crypto near,-lpcre2-8))
