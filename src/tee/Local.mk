# SPDX-License-Identifier: Apache-2.0
UNITS += tee
tee.needs := base dcap codec crypto http near protocol collateral
tee.libs := -lcrypto
