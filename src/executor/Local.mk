# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,executor,base codec crypto wasm sandbox,))
