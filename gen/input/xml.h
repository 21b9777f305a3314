/* xml: a small XML text as a tree of elements that know their line and column, read through expat. What no such
 * text needs is refused before it can grow: document types, entities, depth over 64, more than 1 MiB or 20,000
 * elements. Text between elements is passed over. The tree lies in the caller's arena. It knows no format. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

typedef struct XmlAttribute {
    const char *name, *value;
    DiagPlace place; /* of the value */
} XmlAttribute;

typedef struct XmlNode XmlNode;
struct XmlNode {
    const char *name;
    DiagPlace place; /* of the name in the opening tag */
    LIST_OF(XmlAttribute) attributes;
    LIST_OF(XmlNode *) items;
};

enum { XML_BYTES = 1 << 20, XML_DEPTH = 64, XML_NODES = 20000, XML_ATTRIBUTES = 64 };

/* Read the file, or stdin if `path` is "-". E0330: not XML; E0331: cut off; E0334: over a limit, or refused. */
Status xml_read(Arena *arena, const char *path, XmlNode **root, Diag *diag);

/* The attribute of this name, or NULL. */
const XmlAttribute *xml_attribute(const XmlNode *node, const char *name);
