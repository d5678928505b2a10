// Limits of a record that its authors keep to. Apart from the schema, which who only asks a guard does not load.

/** Longest reason and longest name of a subject, in UTF-16 units. */
export const MAX_REASON = 2_000;
export const MAX_SUBJECT_NAME = 400;
