;; The walk of walk.ts for blocks of rows, in WebAssembly: six rows of one tree at once, each from the root to its leaf.
;; Every address was checked when the nodes were packed and lies inside a memory that never grows.
;;   0 ..        16 bytes a node, as PackedNodes has them
;;   $rows ..    float64, the rows, $width bytes each, NaN the last of them, where a leaf keeps a walk; a multiple of six
;;   $sums ..    float64, one per row
(module
  (memory (import "walk" "memory") 1)
  (func (export "add")
    (param $root i32) (param $rows i32) (param $width i32) (param $groups i32)
    (param $scale f64) (param $sums i32)
    (local $row_a i32) (local $row_b i32) (local $row_c i32) (local $row_d i32) (local $row_e i32) (local $row_f i32)
    (local $at_a i32) (local $at_b i32) (local $at_c i32) (local $at_d i32) (local $at_e i32) (local $at_f i32)
    (local $asks_a i32) (local $asks_b i32) (local $asks_c i32) (local $asks_d i32) (local $asks_e i32) (local $asks_f i32)
    (block $done
      (loop $group
        (br_if $done (i32.eqz (local.get $groups)))
        (local.set $row_a (local.get $rows))
        (local.set $row_b (i32.add (local.get $row_a) (local.get $width)))
        (local.set $row_c (i32.add (local.get $row_b) (local.get $width)))
        (local.set $row_d (i32.add (local.get $row_c) (local.get $width)))
        (local.set $row_e (i32.add (local.get $row_d) (local.get $width)))
        (local.set $row_f (i32.add (local.get $row_e) (local.get $width)))
        (local.set $at_a (local.get $root))
        (local.set $at_b (local.get $root))
        (local.set $at_c (local.get $root))
        (local.set $at_d (local.get $root))
        (local.set $at_e (local.get $root))
        (local.set $at_f (local.get $root))
        (block $arrived
          (loop $step
            (local.set $asks_a (i32.load (local.get $at_a)))
            (local.set $asks_b (i32.load (local.get $at_b)))
            (local.set $asks_c (i32.load (local.get $at_c)))
            (local.set $asks_d (i32.load (local.get $at_d)))
            (local.set $asks_e (i32.load (local.get $at_e)))
            (local.set $asks_f (i32.load (local.get $at_f)))
            (br_if $arrived
              (i32.and (i32.and (i32.and (i32.and (i32.and (i32.and (local.get $asks_a) (local.get $asks_b)) (local.get $asks_c)) (local.get $asks_d)) (local.get $asks_e)) (local.get $asks_f)) (i32.const 1)))
            (local.set $at_a
              (i32.add
                (i32.load offset=4 (local.get $at_a))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_a) (i32.shr_u (local.get $asks_a) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_a)))
                  (i32.const 4))))
            (local.set $at_b
              (i32.add
                (i32.load offset=4 (local.get $at_b))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_b) (i32.shr_u (local.get $asks_b) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_b)))
                  (i32.const 4))))
            (local.set $at_c
              (i32.add
                (i32.load offset=4 (local.get $at_c))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_c) (i32.shr_u (local.get $asks_c) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_c)))
                  (i32.const 4))))
            (local.set $at_d
              (i32.add
                (i32.load offset=4 (local.get $at_d))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_d) (i32.shr_u (local.get $asks_d) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_d)))
                  (i32.const 4))))
            (local.set $at_e
              (i32.add
                (i32.load offset=4 (local.get $at_e))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_e) (i32.shr_u (local.get $asks_e) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_e)))
                  (i32.const 4))))
            (local.set $at_f
              (i32.add
                (i32.load offset=4 (local.get $at_f))
                (i32.shl
                  (f64.gt
                    (f64.load (i32.add (local.get $row_f) (i32.shr_u (local.get $asks_f) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_f)))
                  (i32.const 4))))
            (br $step)))
        (f64.store offset=0 (local.get $sums)
          (f64.add
            (f64.load offset=0 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_a)))))
        (f64.store offset=8 (local.get $sums)
          (f64.add
            (f64.load offset=8 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_b)))))
        (f64.store offset=16 (local.get $sums)
          (f64.add
            (f64.load offset=16 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_c)))))
        (f64.store offset=24 (local.get $sums)
          (f64.add
            (f64.load offset=24 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_d)))))
        (f64.store offset=32 (local.get $sums)
          (f64.add
            (f64.load offset=32 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_e)))))
        (f64.store offset=40 (local.get $sums)
          (f64.add
            (f64.load offset=40 (local.get $sums))
            (f64.mul
              (local.get $scale)
              (f64.load offset=8 (local.get $at_f)))))
        (local.set $rows (i32.add (local.get $row_f) (local.get $width)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 48)))
        (local.set $groups (i32.sub (local.get $groups) (i32.const 1)))
        (br $group)))))
