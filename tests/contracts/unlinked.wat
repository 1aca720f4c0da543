;; SPDX-License-Identifier: Apache-2.0
;; A contract that asks for a host function that no chain has.
(module
  (import "env" "no_such_function" (func $nothing))
  (memory (export "memory") 1)
  (func (export "run") (call $nothing)))
