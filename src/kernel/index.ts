// The public surface of the kernel; the room of the guards hands it on.
export type { DeadlineOptions } from './deadline.ts';
export { defineGuard } from './define.ts';
export { type EnforceOptions, enforce, type JudgeOptions, judge } from './enforce.ts';
export { isGranted } from './grants.ts';
export type { AnyGuard, Decision, Guard, GuardDefinition, Rule } from './guard.ts';
export { GuardRefusal } from './refusal.ts';
