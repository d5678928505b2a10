// How values of options are read, the same for every command.
import { InvalidArgumentError } from 'commander';

/** Returns the reader of a whole number from 1 to `most`, of up to seven digits. */
export const wholeUpTo =
  (most: number) =>
  (text: string): number => {
    const value = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };

/** Of an option that may be repeated: all its values, in their order. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];
