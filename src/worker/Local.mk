# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,worker,base repo codec crypto http near protocol secrets wasm sandbox egress executor builder,))
$(eval $(call program,bin,outlayer-worker,src/worker/main.c,worker,))
