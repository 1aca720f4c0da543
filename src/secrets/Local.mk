# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,secrets,base repo codec crypto near,-lpcre2-8))
