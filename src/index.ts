// The whole public surface; each room is also a subpath of its own.
export * from './capacity/index.ts';
export { catalogue } from './catalogue.ts';
export * from './evidence/index.ts';
export * from './guards/index.ts';
export * from './scorecard/index.ts';
export * from './ssh/index.ts';
