// The Japanese words, by the English ones.
export const ja = {};
