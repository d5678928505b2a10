// The losses of boosting: what a model was trained to minimise.
import type { AllowedGlobal, Check } from '../values.ts';
import { call, float, named, noItems, object, oneFloat, oneOf } from './entry.ts';

const LOSS = 'what boosting was trained to minimise; regression predicts without it';
const NO_FIELDS: readonly Check[] = [oneOf(0xe3b0c44, 0xda39a3e, 0xd41d8cd), noItems];
const HUBER: readonly Check[] = [oneOf(0x4f4a941, 0x736fcab, 0x63bcabf), oneFloat];
const PINBALL: readonly Check[] = [oneOf(0xde00222, 0x2c73eaf, 0x2494662), oneFloat];
/**
 * The losses in C, and the arguments that restore each up to 1.5: Cython's digest of its fields (the first 28 bits of
 * SHA-256, SHA-1 or MD5) and what they hold. Of an empty tuple Huber and Pinball would read an item all the same:
 * CPython crashes. From 1.6 on the class itself is called, with the one field that these two have.
 */
const C_LOSSES: readonly (readonly [name: string, fields: readonly Check[], args: readonly Check[]])[] = [
  ['HalfSquaredError', NO_FIELDS, []],
  ['AbsoluteError', NO_FIELDS, []],
  ['HalfPoissonLoss', NO_FIELDS, []],
  ['HalfGammaLoss', NO_FIELDS, []],
  ['HuberLoss', HUBER, [float]],
  ['PinballLoss', PINBALL, [float]],
];
/** The module of the losses in C; from 1.5 to 1.8 it goes by its short name. */
export const C_MODULES: readonly string[] = ['sklearn._loss._loss', '_loss'];

export const LOSSES: readonly AllowedGlobal[] = [
  ...['LeastSquaresError', 'LeastAbsoluteError', 'HuberLossFunction', 'QuantileLossFunction'].map((name) =>
    object('sklearn.ensemble._gb_losses', name, 'dict', LOSS),
  ),
  ...C_LOSSES.flatMap(([name, fields, args]) => [
    object('sklearn._loss.loss', name, 'dict', LOSS),
    ...C_MODULES.flatMap((module) => [
      call(module, `Cy${name}`, 'none', LOSS, [...args]),
      call(module, `__pyx_unpickle_Cy${name}`, 'none', LOSS, [named(module, `Cy${name}`), ...fields]),
    ]),
  ]),
  object('sklearn._loss.link', 'IdentityLink', 'none', LOSS),
  object('sklearn._loss.link', 'LogLink', 'none', `${LOSS}; models that predict through it are refused`),
  object('sklearn._loss.link', 'Interval', 'dict', LOSS),
];
