/* Prints the number of open handles of the first process of the given name: what Windows' Task Manager shows. */
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winternl.h>

static char buffer[1 << 20];

int wmain(int count, wchar_t **arguments)
{
    SYSTEM_PROCESS_INFORMATION *process = (void *)buffer;
    ULONG length;

    if (count != 2 || NtQuerySystemInformation(SystemProcessInformation, buffer, sizeof(buffer), &length))
        return 2;
    for (;; process = (void *)((char *)process + process->NextEntryOffset)) {
        size_t letters = process->UniqueProcessId ? process->ImageName.Length / sizeof(wchar_t) : 0;
        if (letters == wcslen(arguments[1]) && !_wcsnicmp(process->ImageName.Buffer, arguments[1], letters))
            return printf("%lu\n", process->HandleCount) < 0;
        if (!process->NextEntryOffset)
            return 1;
    }
}
