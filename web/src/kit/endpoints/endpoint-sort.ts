/** By what a list of endpoints stands: name, newest change, or the most predictions or failures of the last five minutes. */
export const ENDPOINT_SORTS = ['name', 'changed', 'predictions', 'failed'] as const;
export type EndpointSort = (typeof ENDPOINT_SORTS)[number];
