// Package guidance reads what the people who run the service have to say in
// their own words, from a file that can be changed without a release: who they
// are and how to reach them, the address of the authorities' portal, the steps
// to take at each procedure, stage and outcome, and what the last moment of a
// deadline is.
//
// What the file does not say is not said: no advice is made up, and none of
// another language is shown in its place.
package guidance
