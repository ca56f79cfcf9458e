/* SPDX-License-Identifier: Apache-2.0 */
/* Replays files, and all files of folders, through a fuzz target; prints how many. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (1 << 20) /* bytes */

static unsigned replayed;

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX), *exact = NULL;
	size_t n;
	int failed = 1;

	if (f == NULL || data == NULL)
		goto out;
	n = fread(data, 1, INPUT_MAX, f);
	exact = malloc(n > 0 ? n : 1); /* so that a sanitizer sees the first byte behind it */
	if (exact == NULL)
		goto out;
	memcpy(exact, data, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	replayed++;
	failed = 0;
out:
	if (failed != 0)
		perror(path);
	free(exact);
	free(data);
	if (f != NULL)
		(void)fclose(f);
	return failed;
}

static int
replay(const char *path)
{
	struct stat st;
	struct dirent *entry;
	char inner[4096];
	DIR *d;
	int failed = 0;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return replay_file(path);
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		failed |= replay(inner);
	}
	(void)closedir(d);
	return failed;
}

int
main(int argc, char **argv)
{
	int i, failed = 0;

	for (i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	(void)printf("%u inputs\n", replayed);
	return failed != 0 || replayed == 0;
}
