package index

// What tests look at.
const EnoughHeads = enoughHeads

var ErrOvertaken = errOvertaken
