# SPDX-License-Identifier: Apache-2.0
# A program of its own: what it signs is worth nothing, and no daemon links it (`make check`).
$(eval $(call unit,simulator,base codec crypto http testpki,-lcrypto -lsodium -lsecp256k1))
$(eval $(call program,bin,outlayer-dstack-simulator,src/simulator/main.c,simulator,))
