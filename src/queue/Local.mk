# SPDX-License-Identifier: Apache-2.0
UNITS += queue
queue.needs := base codec crypto store redis
