;; The pass of packTree (tree.ts) over one tree, in WebAssembly: 1 where every node may be believed and is packed, 0
;; where some node may not, whichever. A process that decodes once has no time to compile the pass in JavaScript.
;; The caller lays all of it out in one memory that never grows; indices of a tree are compared before they are used.
;;   $records ..  the nodes as scikit-learn writes them, $size bytes each: 56, or 64 with the flag
;;   $answers ..  float64, $outputs of each node
;;   $places ..   int32, where each node goes, from 1; 0 means that no node above has named it
;;   $packed ..   the nodes as PackedNodes has them, target by target; in it, this tree begins at node $start, and again
;;                $total nodes further on for each target
(module
  (memory (import "pack" "memory") 1)
  (func (export "pack")
    (param $records i32) (param $size i32) (param $count i32) (param $answers i32) (param $outputs i32)
    (param $places i32) (param $packed i32) (param $features i32) (param $start i32) (param $total i32)
    (result i32)
    (local $node i32) (local $next i32) (local $slot i32) (local $asks i32) (local $child i32) (local $flag i32)
    (local $output i32) (local $at i32) (local $first i32) (local $is_leaf i32)
    (local $left i64) (local $right i64) (local $feature i64)
    (local $left_place i32) (local $right_place i32) (local $threshold f64) (local $value f64)
    (memory.fill (local.get $places) (i32.const 0) (i32.shl (local.get $count) (i32.const 2)))
    (i32.store (local.get $places) (i32.const 1))
    (local.set $next (i32.const 1))
    (loop $each
      (local.set $slot
        (i32.sub
          (i32.load (i32.add (local.get $places) (i32.shl (local.get $node) (i32.const 2))))
          (i32.const 1)))
      (if (i32.lt_s (local.get $slot) (i32.const 0)) (then (return (i32.const 0))))

      ;; trained on no samples
      (if (i64.le_s (i64.load offset=40 (local.get $records)) (i64.const 0)) (then (return (i32.const 0))))

      (local.set $left (i64.load (local.get $records)))
      (local.set $right (i64.load offset=8 (local.get $records)))
      (local.set $feature (i64.load offset=16 (local.get $records)))
      (local.set $threshold (f64.load offset=24 (local.get $records)))
      (local.set $is_leaf (i64.eq (local.get $left) (i64.const -1)))
      (if (local.get $is_leaf)
        (then ;; a leaf, whose flag nobody reads
          (if (i64.ne (local.get $right) (i64.const -1)) (then (return (i32.const 0))))
          (if (i64.ne (local.get $feature) (i64.const -2)) (then (return (i32.const 0))))
          (if (f64.ne (local.get $threshold) (f64.const -2)) (then (return (i32.const 0))))
          (local.set $asks (i32.or (i32.shl (local.get $features) (i32.const 5)) (i32.const 1)))
          (local.set $child (local.get $slot)))
        (else
          (local.set $flag (i32.const 0))
          (if (i32.eq (local.get $size) (i32.const 64))
            (then (local.set $flag (i32.load8_u offset=56 (local.get $records)))))
          (if (i32.gt_u (local.get $flag) (i32.const 1)) (then (return (i32.const 0))))
          ;; both children come after this node, inside the tree, and are two
          (if (i64.le_s (local.get $left) (i64.extend_i32_s (local.get $node))) (then (return (i32.const 0))))
          (if (i64.ge_s (local.get $left) (i64.extend_i32_s (local.get $count))) (then (return (i32.const 0))))
          (if (i64.le_s (local.get $right) (i64.extend_i32_s (local.get $node))) (then (return (i32.const 0))))
          (if (i64.ge_s (local.get $right) (i64.extend_i32_s (local.get $count))) (then (return (i32.const 0))))
          (if (i64.eq (local.get $left) (local.get $right)) (then (return (i32.const 0))))
          (local.set $left_place
            (i32.add (local.get $places) (i32.shl (i32.wrap_i64 (local.get $left)) (i32.const 2))))
          (local.set $right_place
            (i32.add (local.get $places) (i32.shl (i32.wrap_i64 (local.get $right)) (i32.const 2))))
          ;; nor has another node named them
          (if (i32.load (local.get $left_place)) (then (return (i32.const 0))))
          (if (i32.load (local.get $right_place)) (then (return (i32.const 0))))
          (if (i64.ge_u (local.get $feature) (i64.extend_i32_s (local.get $features)))
            (then (return (i32.const 0))))
          (if (i32.eqz (f64.gt (local.get $threshold) (f64.const -inf))) (then (return (i32.const 0))))
          (i32.store (local.get $left_place) (i32.add (local.get $next) (i32.const 1)))
          (i32.store (local.get $right_place) (i32.add (local.get $next) (i32.const 2)))
          (local.set $asks
            (i32.or
              (i32.shl (i32.wrap_i64 (local.get $feature)) (i32.const 5))
              (i32.shl (local.get $flag) (i32.const 1))))
          (local.set $child (local.get $next))
          (local.set $next (i32.add (local.get $next) (i32.const 2)))))

      (local.set $output (i32.const 0))
      (local.set $first (local.get $start))
      (local.set $at (i32.add (local.get $packed) (i32.shl (local.get $slot) (i32.const 4))))
      (loop $target
        (local.set $value (f64.load (local.get $answers)))
        ;; NaN is less than nothing
        (if (i32.eqz (f64.lt (f64.abs (local.get $value)) (f64.const inf))) (then (return (i32.const 0))))
        (i32.store (local.get $at) (local.get $asks))
        (i32.store offset=4 (local.get $at)
          (i32.shl (i32.add (local.get $first) (local.get $child)) (i32.const 4)))
        (f64.store offset=8 (local.get $at)
          (select (local.get $value) (local.get $threshold) (local.get $is_leaf)))
        (local.set $answers (i32.add (local.get $answers) (i32.const 8)))
        (local.set $first (i32.add (local.get $first) (local.get $total)))
        (local.set $at (i32.add (local.get $at) (i32.shl (local.get $count) (i32.const 4))))
        (local.set $output (i32.add (local.get $output) (i32.const 1)))
        (br_if $target (i32.lt_s (local.get $output) (local.get $outputs))))
      (local.set $records (i32.add (local.get $records) (local.get $size)))
      (local.set $node (i32.add (local.get $node) (i32.const 1)))
      (br_if $each (i32.lt_s (local.get $node) (local.get $count))))
    (i32.const 1)))
