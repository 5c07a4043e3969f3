// Package usage measures what the containers of a node use: processor, memory,
// network and disk every 30 seconds, and the size of their named volumes as
// often as it was not measured for 150 seconds, at a bounded pace.
//
// What leaves is one Batch for the whole node, always the newest: link tells it
// in one message. Whose volumes are larger than his limit is told so in his
// console. Nothing is kept on disk.
package usage
