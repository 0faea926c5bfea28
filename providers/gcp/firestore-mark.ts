/**
 * A document by which a later deployment finds the database that this one leaves behind: Google Cloud's SDK has no question
 * for a database, but one for a document (providers/adopt.ts asks it). Nothing is imported here: providers stay free of Pulumi.
 */
export const firestoreMark = { collection: "_handoff", documentId: "kept" } as const;
