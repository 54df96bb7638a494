/* What `toasterctl run --dry-run` is told of a `program` job: the fields of its one row. */
#ifndef TW_KINDS_PROGRAMROWS_H
#define TW_KINDS_PROGRAMROWS_H

enum tw_programrow {
    TW_PROGRAM_USER,
    TW_PROGRAM_MAX_S,
    TW_PROGRAM_COMMAND, /* as a shell would read it */
    TW_PROGRAM_WHY_NOT, /* "": nothing is known that stands in the way */
    TW_PROGRAM_FIELDS
};

#endif
