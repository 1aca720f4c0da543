# SPDX-License-Identifier: Apache-2.0
UNITS += collateral
collateral.needs := base codec crypto http dcap protocol
