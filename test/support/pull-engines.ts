/** What may read the PULL sockets: whatever is promised of one has to hold for the other. */
export const PULL_ENGINES = ['holdfast', 'libzmq'] as const;

export type PullEngine = (typeof PULL_ENGINES)[number];
