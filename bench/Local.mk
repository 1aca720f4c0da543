# SPDX-License-Identifier: Apache-2.0
$(eval $(call program,bench,coordinator,bench/coordinator.c,coordinator,))
