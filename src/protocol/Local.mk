# SPDX-License-Identifier: Apache-2.0
UNITS += protocol
protocol.needs := base repo codec crypto http near
