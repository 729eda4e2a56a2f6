/** On a version that was trained once more on all rows: the number of the version that was judged. */
export const REFIT_TAG = 'millrace.refitOf';
