/* A configuration file's text before libConfuse sees it. Knows comments, strings and braces;
 * nothing of keys.
 *
 * Why: libConfuse 3.3 counts a comment as up to three lines, takes the end of the file for a
 * missing closing brace, drops characters it does not know, ends strings at a NUL, expands ${NAME}
 * from the environment (which differs between the daemon's and an admin's), after a bad escape goes
 * on inside the string when it is next used, and loses memory in a call that is broken off. */
#include <string.h>

#include "config/parse.h"

struct scan {
    char *at;
    const char *file;
    int line;
    int depth;                                     /* of open braces */
    int brace_line;                                /* where the outermost of them is */
    enum { OUTSIDE, WANTS_VALUE, HAS_VALUE } call; /* between "(" and ")" */
    int call_line;
    struct tw_error *e;
};

static int refuse(const struct scan *s, const char *what)
{
    return tw_fail(s->e, "%s:%d: %s", s->file, s->line, what);
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void blank_line_comment(struct scan *s)
{
    const size_t length = strcspn(s->at, "\r\n");
    memset(s->at, ' ', length);
    s->at += length;
}

static int blank_block_comment(struct scan *s)
{
    const char *end = strstr(s->at + 2, "*/");
    if (!end)
        return refuse(s, "this comment is never closed");
    for (; s->at < end + 2; s->at++) {
        if (*s->at == '\n')
            s->line++;
        else
            *s->at = ' ';
    }
    return 0;
}

static bool is_hex(char c)
{
    return c && strchr("0123456789abcdefABCDEF", c);
}

/* At the backslash, inside double quotes. */
static int skip_escape(struct scan *s)
{
    const char c = s->at[1];
    if (c == 'x') {
        if (!is_hex(s->at[2]) || !is_hex(s->at[3]) || strncmp(s->at + 2, "00", 2) == 0)
            return refuse(s, "after \\x two hexadecimal digits must follow, and not 00");
        s->at += 4;
        return 0;
    }
    if (!c || !strchr("\"\\'$nrt", c))
        return refuse(s, "unknown escape: there are \\\" \\\\ \\' \\$ \\n \\r \\t and \\xNN");
    s->at += 2;
    return 0;
}

/* At the opening quote. */
static int skip_string(struct scan *s)
{
    const char quote = *s->at++;
    while (*s->at != quote) {
        if (*s->at == '\n' || *s->at == '\r' || *s->at == '\0')
            return refuse(s, "a string must end on the line it begins on");
        if (is_control(*s->at))
            return refuse(s, "a control character in a string: write it as \\xNN");
        if (quote == '"' && s->at[0] == '$' && s->at[1] == '{')
            return refuse(s, "environment variables are not expanded: write \\$ for a dollar sign");
        if (quote == '"' && *s->at == '\\') {
            if (skip_escape(s) != 0)
                return -1;
        } else {
            s->at +=
                quote == '\'' && s->at[0] == '\\' && s->at[1] && strchr("\\'", s->at[1]) ? 2 : 1;
        }
    }
    s->at++;
    return 0;
}

/* A string or word begins here. */
static int take_value(struct scan *s)
{
    if (s->call == HAS_VALUE)
        return refuse(s, "a comma or ')' is missing");
    if (s->call == WANTS_VALUE)
        s->call = HAS_VALUE;
    return 0;
}

static int skip_mark(struct scan *s)
{
    const char mark = *s->at;
    if (s->call != OUTSIDE && mark != ')' && !(mark == ',' && s->call == HAS_VALUE))
        return refuse(s, "a value or ')' is missing");
    if (mark == ',' && s->call == HAS_VALUE)
        s->call = WANTS_VALUE;
    if (mark == ')')
        s->call = OUTSIDE;
    if (mark == '(') {
        s->call = WANTS_VALUE;
        s->call_line = s->line;
    }
    if (mark == '{' && s->depth++ == 0)
        s->brace_line = s->line;
    if (mark == '}')
        s->depth--;
    s->at++;
    return 0;
}

/* What is neither blank nor comment, string nor mark. May have slashes in a row. */
static int skip_word(struct scan *s)
{
    const size_t length = strcspn(s->at, " #\"'\t\n\r={}()+,*");
    if (length && s->at[length - 1] == '$' && s->at[length] == '{')
        return refuse(s, "environment variables are not expanded");
    for (size_t i = 0; i < length; i++)
        if (is_control(s->at[i]))
            return refuse(s, "a control character");
    if (length == 0 || s->at[length] == '*' || s->at[length] == '+')
        return refuse(s, "a '*' or '+' must stand in quotes (and there is no \"+=\")");
    s->at += length;
    return 0;
}

static int skip_token(struct scan *s)
{
    switch (*s->at) {
    case '\n':
        s->line++;
        s->at++;
        return 0;
    case ' ':
    case '\t':
        s->at++;
        return 0;
    case '\r':
        if (s->at[1] != '\n')
            return refuse(s, "a carriage return without a line feed");
        s->at++;
        return 0;
    case '#':
        blank_line_comment(s);
        return 0;
    case '{':
    case '}':
    case '(':
    case ')':
    case '=':
    case ',':
        return skip_mark(s);
    case '/':
        if (s->at[1] == '*')
            return blank_block_comment(s);
        if (s->at[1] == '/') {
            blank_line_comment(s);
            return 0;
        }
        break;
    default:
        break;
    }
    if (take_value(s) != 0)
        return -1;
    return *s->at == '"' || *s->at == '\'' ? skip_string(s) : skip_word(s);
}

int tw_config_prepare(char *text, size_t length, const char *file, struct tw_error *e)
{
    struct scan s = {.at = text, .file = file, .line = 1, .e = e};
    while (*s.at)
        if (skip_token(&s) != 0)
            return -1;
    if (s.at != text + length)
        return refuse(&s, "a NUL byte: this is no text");
    if (s.call != OUTSIDE) {
        s.line = s.call_line;
        return refuse(&s, "the parenthesis opened here is never closed");
    }
    if (s.depth > 0) {
        s.line = s.brace_line;
        return refuse(&s, "the brace opened here is never closed");
    }
    return 0;
}
